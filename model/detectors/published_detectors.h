// The detectors that the paper is compared with in its timing table, each as published, so that one program runs all of
// them: SSH, S3FD and PyramidBox. They are run, not trained.
#ifndef HARDFACE_MODEL_DETECTORS_PUBLISHED_DETECTORS_H_
#define HARDFACE_MODEL_DETECTORS_PUBLISHED_DETECTORS_H_

#include "model/detectors/detector.h"
#include "model/detectors/network_builder.h"

namespace hardface::model {

// Each takes a BUILDER that has VGG16 to conv5_3, and fills in SPEC but for its network.

// SSH (Najibi et al., ICCV 2017; github.com/mahyarnajibi/SSH, SSH/models/test_ssh.prototxt): detection modules with
// context on maps of strides 8, 16 and 32. Names are those of its .caffemodel.
void AddSsh(NetworkBuilder* builder, DetectorSpec* spec);

// S3FD (Zhang et al., ICCV 2017; github.com/sfzhang15/SFD, models/VGGNet/WIDER_FACE/SFD/deploy.prototxt): one anchor
// size on each of six maps of strides 4 to 128. Names are those of its .caffemodel.
void AddS3fd(NetworkBuilder* builder, DetectorSpec* spec);

// PyramidBox (Tang et al., ECCV 2018) as Baidu released it (github.com/PaddlePaddle/models, PaddleCV/face_detection/
// pyramidbox.py). Paddle numbers its parameters: file conv2d_I is the I-th convolution here, in the order of layers,
// counted from 0. The released network's batch normalisations follow the four convolutions of each CPM's residual
// branch; here they are folded into those convolutions' weights and biases, as inference does.
void AddPyramidBox(NetworkBuilder* builder, DetectorSpec* spec);

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_DETECTORS_PUBLISHED_DETECTORS_H_
